//! The engine from outside: by name what it does, and by property what it never does.

// `cfg(test)` tells clippy that the support code is test code too.
#[cfg(test)]
mod history;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod run;
#[cfg(test)]
mod support;
#[cfg(test)]
mod verify;
#[cfg(test)]
mod waiting;
