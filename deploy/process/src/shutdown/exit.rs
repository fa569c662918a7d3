//! Exit statuses by cause.

use std::process::ExitCode;

/// Why a process of the split planes ended. The numbers are those of `sysexits.h` where it has one, so that a
/// service manager can tell what a restart cannot mend (`RestartPreventExitStatus=78`).
///
/// The drop-in keeps Gorouter's numbers instead (1 for everything fatal), see [`Exit::code_of_drop_in`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It was asked to end and did so: 0.
    Clean,
    /// The command line was wrong: 2, as clap and Go's flag package have it.
    Usage,
    /// The configuration was refused: 78. Starting it again will not help.
    Configuration,
    /// The configuration was fine and the start failed, such as a port in use: 69.
    Start,
    /// It ran, and a vital part of it ended: 70.
    Runtime,
}

impl Exit {
    /// The number that the operating system is told.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Usage => 2,
            Self::Start => 69,
            Self::Runtime => 70,
            Self::Configuration => 78,
        }
    }

    /// The number under `gorouter.yml`: Gorouter exits with 1 for every fatal message, and 2 for a wrong flag.
    #[must_use]
    pub fn code_of_drop_in(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Usage => 2,
            Self::Configuration | Self::Start | Self::Runtime => 1,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
