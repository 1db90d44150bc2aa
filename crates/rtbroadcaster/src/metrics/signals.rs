//! The reasons why a valid signal is refused.
//! Must not know the errors that the viewer gets.

/// The reason why a valid signal is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignalRefusal {
    /// Its viewer signals too often.
    ViewerRate,
    /// All viewers of its room together signal too often.
    RoomRate,
    /// The owner is away, or does not listen.
    Unheard,
    /// The owner does not take its frames.
    OwnerBehind,
    /// It is a choice, and no more choices can be remembered.
    VotersFull,
}

impl SignalRefusal {
    /// Every reason.
    pub(crate) const ALL: [Self; 5] =
        [Self::ViewerRate, Self::RoomRate, Self::Unheard, Self::OwnerBehind, Self::VotersFull];

    /// Returns the word by which it is counted.
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
