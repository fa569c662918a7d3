//! The form in which a group of keys is written down: each with what it means, its type and its default.

/// Declares a map of keys, every one of them optional, with its default beside it.
macro_rules! keys {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$field_meta:meta])* $field:ident: $type:ty = $default:expr,)*
        }
    ) => {
        #[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
        #[serde(default)]
        $(#[$meta])*
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }
    };
}

pub(super) use keys;
