/// Marks an error after which the circuit of its target is open: another attempt would be refused.
/// An extension of the response, set by the `circuit_breaker` layer; the `retry` layer passes such
/// an answer on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CircuitOpen;
