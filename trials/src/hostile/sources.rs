//! The addresses of the clients: all of 127.0.0.0/8 are this machine. Pure.

use std::net::Ipv4Addr;

/// Some addresses next to each other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sources {
    /// The third number of the addresses.
    net: u8,
    /// The number of addresses, whose last numbers count from 1.
    count: u8,
}

/// An attacker with few addresses, for limits by address.
pub(super) const FEW: Sources = Sources { net: 0, count: 8 };

/// An attacker with many addresses, which passes those limits.
pub(super) const MANY: Sources = Sources { net: 2, count: 200 };

/// An attacker with one.
pub(super) const ONE: Sources = Sources { net: 3, count: 1 };

/// A class of browsers behind one address.
pub(super) const CLASS: Sources = Sources { net: 4, count: 1 };

/// The clients that behave.
pub(super) const GOOD: Sources = Sources { net: 1, count: 8 };

impl Sources {
    /// Returns the address of the client number `number`.
    pub(super) fn of(self, number: u64) -> Ipv4Addr {
        let last = 1 + u8::try_from(number % u64::from(self.count)).unwrap_or(0);
        Ipv4Addr::new(127, 0, self.net, last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_take_turns_with_the_addresses() {
        let addresses: Vec<_> = [0, 7, 8].map(|number| FEW.of(number).to_string()).into();
        assert_eq!(addresses, ["127.0.0.1", "127.0.0.8", "127.0.0.1"]);
        assert_eq!(MANY.of(199).to_string(), "127.0.2.200");
    }
}
