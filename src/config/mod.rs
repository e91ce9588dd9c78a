//! The configuration file: its shape, where it is found, and what is wrong with it.
