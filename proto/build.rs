//! Compiles the contract with protox, so that no machine needs a protoc binary.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files = [
        "pointsman/distribution/v1/distribution.proto",
        "pointsman/distribution/v1/route.proto",
    ];
    for file in files {
        println!("cargo::rerun-if-changed={file}");
    }
    let descriptors = protox::compile(files, ["."])?;
    // The tags of an endpoint are few: in order they cost less than by their hashes.
    tonic_prost_build::configure()
        .btree_map(".")
        .compile_fds(descriptors)?;
    Ok(())
}
