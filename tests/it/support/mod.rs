//! A gateway in this process; everything else that tests share is in `switchtower_testkit`.

pub(crate) mod gateway;

pub(crate) use gateway::Gateway;
pub(crate) use switchtower_testkit::clients::*;
