//! How an endpoint proves who it is, and what is spoken to it.

use std::sync::Arc;

use crate::Protocol;
use crate::instance::Instance;

/// How an endpoint proves itself over TLS, and the protocol behind that: both in the room of one,
/// because there is one of these for each endpoint.
///
/// Cloud Foundry's instances prove themselves by their instance id, which is at hand wherever the
/// endpoint is; so the usual name costs nothing. Identities are told apart by the name alone.
#[derive(Debug)]
pub(crate) enum Identity {
    /// Not at all: it is reached in clear text.
    None(Protocol),
    /// By the id of its instance.
    InstanceId(Protocol, Arc<Instance>),
    /// By another name; the empty one is any name under the trusted authorities.
    Name(Protocol, Box<Name>),
}

/// Behind one more pointer: it is rare, and an identity as small as possible is not.
#[derive(Debug)]
pub(crate) struct Name(Box<str>);

impl Identity {
    /// What a registration asks for: the name that must stand in the certificate, or `None` for
    /// clear text.
    pub(crate) fn new(name: Option<&str>, instance: &Arc<Instance>, protocol: Protocol) -> Self {
        match name {
            None => Self::None(protocol),
            Some(name) if name == instance.instance_id() => {
                Self::InstanceId(protocol, Arc::clone(instance))
            }
            Some(name) => Self::named(name, protocol),
        }
    }

    /// By a name that is not at hand anyway.
    pub(crate) fn named(name: &str, protocol: Protocol) -> Self {
        Self::Name(protocol, Box::new(Name(name.into())))
    }

    /// What is spoken.
    pub(crate) const fn protocol(&self) -> Protocol {
        match self {
            Self::None(protocol) | Self::InstanceId(protocol, _) | Self::Name(protocol, _) => {
                *protocol
            }
        }
    }

    /// The name that must stand in the certificate; `None`: clear text.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::None(_) => None,
            Self::InstanceId(_, instance) => Some(instance.instance_id()),
            Self::Name(_, name) => Some(&name.0),
        }
    }
}
