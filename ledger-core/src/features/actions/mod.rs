//! Actions: whatever else members do that a program knows by its kind. They only earn: what waits for them is of
//! `earning`, what counts them of `counting`.

pub mod event;
