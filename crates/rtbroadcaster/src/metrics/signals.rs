//! Why a signal is refused that makes sense.
//! Must not know what the viewer is told.

/// Why a signal is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignalRefusal {
    /// Its viewer says too much.
    ViewerRate,
    /// All viewers of its room together do.
    RoomRate,
    /// The owner is away, or does not listen.
    Unheard,
    /// The owner does not take what it is told.
    OwnerBehind,
    /// It is a choice, and no more of them can be remembered.
    VotersFull,
}

impl SignalRefusal {
    /// Every reason.
    pub(crate) const ALL: [Self; 5] =
        [Self::ViewerRate, Self::RoomRate, Self::Unheard, Self::OwnerBehind, Self::VotersFull];

    /// As it is counted.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::ViewerRate => "viewer_rate",
            Self::RoomRate => "room_rate",
            Self::Unheard => "unheard",
            Self::OwnerBehind => "owner_behind",
            Self::VotersFull => "voters_full",
        }
    }
}
