//! Generates the messages and services of `proto/` and their descriptors for reflection, without
//! `protoc`. The only reader of `proto/`.

use std::env;
use std::error::Error;
use std::path::PathBuf;

const PROTO_DIR: &str = "../proto";
const FILES: [&str; 3] = ["ledger/v1/event.proto", "ledger/v1/ledger.proto", "ledger/v1/outbox.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PROTO_DIR}");
    let mut compiler = protox::Compiler::new([PROTO_DIR])?;
    compiler.include_imports(true).include_source_info(true).open_files(FILES)?;

    let out = PathBuf::from(env::var("OUT_DIR")?);
    std::fs::write(out.join("ledger.bin"), compiler.encode_file_descriptor_set())?;
    let mut messages = tonic_prost_build::Config::new();
    messages.enable_type_names();
    let services = tonic_prost_build::configure().emit_rerun_if_changed(false).codec_path("crate::codec::Counted");
    services.compile_fds_with_config(compiler.file_descriptor_set(), messages)?;
    Ok(())
}
