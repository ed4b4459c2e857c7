//! The journal in one SQLite file on a local disk.
//!
//! Beside the database `journal.db` lies the folder `journal.db.runs` with one empty file per run that has not
//! ended. Who drives a run holds the operating system's lock on the run's file; the system frees it when the process
//! dies, however it dies. The lock keeps a second process away, and the epoch in the database, which is compared in
//! the transaction of each append, keeps out a former owner that lost its lock in another way.
//!
//! Durability: write-ahead log with `synchronous=FULL`, so each append is on the disk when it returns, and SQLite
//! drops a torn tail by itself. Each entry has its own length and checksum on top, because those say *which* entry
//! of *which* run was damaged.
//!
//! Neither the locks nor the shared memory of the write-ahead log work among hosts. A file on a network file system
//! is therefore refused (see `mount.rs` for the list). 9p and virtiofs are allowed: they show a virtual machine or a
//! container a folder of its own host. Do not give one such folder to two machines.

mod journal;
mod log;
mod mount;
mod ownership;
mod place;
mod schema;
mod tables;
#[cfg(test)]
mod tests;

pub use journal::SqliteJournal;
