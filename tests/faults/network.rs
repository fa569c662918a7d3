//! Networks of their own for processes, and the links between them, as the kernel has them.

use std::cell::Cell;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

/// The addresses that tests of networks may have (RFC 2544, appendix C.2.2).
const FIRST: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 0);
/// How many of them there are, and how many one process of ours takes.
const ADDRESSES: u32 = 1 << 17;
const OWN: u32 = 64;
/// The addresses of one link.
const LINK: u32 = 4;
/// An interface that nobody has.
const NOBODY: &str = "02:00:00:00:00:01";

/// Where links may be: namespaces of this process's own, which end when the value is dropped, with their links.
#[derive(Debug)]
pub(crate) struct Network {
    /// What their names begin with. A name of an interface has 15 bytes at most.
    prefix: String,
    namespaces: Vec<Namespace>,
    links: Cell<u32>,
}

/// One of them: a process in it has no other way out than its links.
#[derive(Clone, Debug)]
pub(crate) struct Namespace(String);

/// A link, with an address at each of its two ends.
#[derive(Debug)]
pub(crate) struct Link {
    ends: [End; 2],
}

#[derive(Debug)]
struct End {
    /// `None`: where the tests are.
    namespace: Option<Namespace>,
    interface: String,
    address: Ipv4Addr,
}

/// What `ip` says where it does not do what it is told.
#[derive(Debug)]
pub(crate) struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Network {
    /// A network with a namespace of each of these names. `number` tells the networks of one process apart.
    ///
    /// # Errors
    ///
    /// Where there is no `ip`, or this machine does not let us.
    pub(crate) fn of<const COUNT: usize>(
        number: u32,
        names: [&str; COUNT],
    ) -> Result<(Self, [Namespace; COUNT]), Refused> {
        let prefix = format!("pm{}n{number}", std::process::id());
        let mut network = Self {
            prefix,
            namespaces: Vec::new(),
            links: Cell::new(number * OWN / LINK / 4),
        };
        for name in names {
            let namespace = Namespace(format!("{}-{name}", network.prefix));
            ip(None, &format!("netns add {}", namespace.0))?;
            network.namespaces.push(namespace.clone());
            ip(Some(&namespace), "link set lo up")?;
        }
        let namespaces = std::array::from_fn(|index| network.namespaces[index].clone());
        Ok((network, namespaces))
    }

    /// Joins two namespaces, or one and where the tests are.
    pub(crate) fn join(&self, one: Option<&Namespace>, other: &Namespace) -> Result<Link, Refused> {
        let number = self.links.replace(self.links.get() + 1);
        let slots = ADDRESSES / OWN;
        let first = (std::process::id() % slots) * OWN + number % (OWN / LINK) * LINK;
        let address = |index| Ipv4Addr::from_bits(FIRST.to_bits() + first + index);
        let end = |index, namespace: Option<&Namespace>| End {
            namespace: namespace.cloned(),
            interface: format!("pm{}.{number}{}", std::process::id(), ["a", "b"][index]),
            address: address(if index == 0 { 1 } else { 2 }),
        };
        let ends = [end(0, one), end(1, Some(other))];
        let [near, far] = &ends;
        let (here, there) = (&near.interface, &far.interface);
        let add = format!(
            "link add {here} type veth peer name {there} netns {}",
            other.0
        );
        ip(one, &add)?;
        for end in &ends {
            end.ip(&format!(
                "addr add {}/30 dev {}",
                end.address, end.interface
            ))?;
            end.ip(&format!("link set {} up", end.interface))?;
        }
        Ok(Link { ends })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for namespace in &self.namespaces {
            // What cannot be removed is left to the machine; the test has said what it has to say.
            let _left = ip(None, &format!("netns del {}", namespace.0));
        }
    }
}

impl Namespace {
    /// What a program is started through to be in it.
    pub(crate) fn through(&self) -> Vec<String> {
        let words = ["ip", "netns", "exec", &self.0];
        words.map(str::to_owned).into()
    }
}

impl Link {
    /// The address at the end that was named first.
    pub(crate) fn near(&self) -> IpAddr {
        self.ends[0].address.into()
    }

    /// The address at the other one.
    pub(crate) fn far(&self) -> IpAddr {
        self.ends[1].address.into()
    }

    /// Takes the link down: whoever sends is told so, or waits for nothing.
    pub(crate) fn down(&self) {
        let far = &self.ends[1];
        far.must(&format!("link set {} down", far.interface));
    }

    /// Loses every packet on its way, and nobody is told.
    pub(crate) fn swallow(&self) {
        let [near, far] = &self.ends;
        for (end, peer) in [(near, far), (far, near)] {
            end.must(&format!(
                "neigh replace {} lladdr {NOBODY} dev {} nud permanent",
                peer.address, end.interface
            ));
        }
    }

    /// Mends it, whatever was done to it.
    pub(crate) fn mend(&self) {
        for end in &self.ends {
            end.must(&format!("link set {} up", end.interface));
            end.must(&format!("neigh flush dev {} nud permanent", end.interface));
        }
    }
}

impl End {
    fn ip(&self, words: &str) -> Result<(), Refused> {
        ip(self.namespace.as_ref(), words)
    }

    fn must(&self, words: &str) {
        self.ip(words)
            .unwrap_or_else(|refused| panic!("ip {words}: {refused}"));
    }
}

fn ip(namespace: Option<&Namespace>, words: &str) -> Result<(), Refused> {
    let mut command = Command::new("ip");
    if let Some(Namespace(name)) = namespace {
        command.args(["-n", name]);
    }
    let output = command.args(words.split_ascii_whitespace()).output();
    let output = output.map_err(|error| Refused(format!("ip: {error}")))?;
    if output.status.success() {
        Ok(())
    } else {
        let told = String::from_utf8_lossy(&output.stderr);
        Err(Refused(format!("ip {words}: {}", told.trim())))
    }
}
