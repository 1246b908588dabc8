//! Tests of the core at the boundary its users meet: scenario texts, properties, bytes, programs.

mod scenarios;
