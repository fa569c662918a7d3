//! An instance of an app in a process of its own, which can be killed and stopped: it answers every request with the
//! request's id and its own port, and has written into its record what it got before it answers.
//!
//! `instance FILE` reads what it shall do from a file of JSON; the suites start it through
//! `pointsman_tests::Instance`, which says what stands there.

mod request;
mod serve;

use std::error::Error;
use std::fs::File;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;

use pointsman_tests::certs::Identity;
use pointsman_tests::instance::{Bound, Orders};
use tokio::net::TcpListener;
use tokio::task::LocalSet;
use tokio_rustls::TlsAcceptor;

use serve::Port;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&*error);
            ExitCode::FAILURE
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "a program of the tests, whose only log this is"
)]
fn tell(error: &dyn Error) {
    eprintln!("instance: {error}");
}

fn run() -> Result<(), Box<dyn Error>> {
    let file = std::env::args_os().nth(1).map(PathBuf::from);
    let file = file.ok_or("usage: instance FILE")?;
    let orders: Orders = serde_json::from_slice(&std::fs::read(file)?)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, serve(orders))
}

async fn serve(orders: Orders) -> Result<(), Box<dyn Error>> {
    let record = File::options()
        .create(true)
        .append(true)
        .open(&orders.record)?;
    let record = Rc::new(record);
    let identity = Identity {
        certificate: orders.certificate,
        key: orders.key,
    };
    let tls = TlsAcceptor::from(identity.server_config(None));
    let mut bound = Bound::default();
    for (wanted, tls, addresses) in [
        (orders.plain, None, &mut bound.plain),
        (orders.tls, Some(tls), &mut bound.tls),
    ] {
        for address in wanted {
            let listener = TcpListener::bind(address).await?;
            let address = listener.local_addr()?;
            addresses.push(address);
            let port = Port {
                number: address.port(),
                tls: tls.clone(),
                record: Rc::clone(&record),
            };
            tokio::task::spawn_local(serve::accept(listener, Rc::new(port)));
        }
    }
    write_whole(&orders.addresses, &serde_json::to_vec(&bound)?)?;
    std::future::pending().await
}

/// Writes a file so that a reader finds all of it or none.
fn write_whole(path: &std::path::Path, bytes: &[u8]) -> std::io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    std::fs::write(&unfinished, bytes)?;
    std::fs::rename(&unfinished, path)
}
