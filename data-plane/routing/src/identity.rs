//! How an endpoint proves who it is.

use std::sync::Arc;

use crate::instance::Instance;

/// How an endpoint proves itself over TLS.
///
/// Cloud Foundry's instances prove themselves by their instance id, which is at hand wherever the
/// endpoint is; so the usual name costs nothing. Identities are told apart by the name alone.
#[derive(Debug)]
pub(crate) enum Identity {
    /// Not at all: it is reached in clear text.
    None,
    /// By the id of its instance.
    InstanceId(Arc<Instance>),
    /// By another name; the empty one is any name under the trusted authorities.
    Name(Box<Name>),
}

/// Behind one more pointer: it is rare, and an identity as small as possible is not.
#[derive(Debug)]
pub(crate) struct Name(Box<str>);

impl Identity {
    /// What a registration asks for: the name that must stand in the certificate, or `None` for
    /// clear text.
    pub(crate) fn new(name: Option<&str>, instance: &Arc<Instance>) -> Self {
        match name {
            None => Self::None,
            Some(name) if name == instance.instance_id() => Self::InstanceId(Arc::clone(instance)),
            Some(name) => Self::named(name),
        }
    }

    /// By a name that is not at hand anyway.
    pub(crate) fn named(name: &str) -> Self {
        Self::Name(Box::new(Name(name.into())))
    }

    /// The name that must stand in the certificate; `None`: clear text.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::InstanceId(instance) => Some(instance.instance_id()),
            Self::Name(name) => Some(&name.0),
        }
    }
}
