//! One planned look, at the soonest of the moments that were asked for.
//! Pure: it must not know what is looked at, nor by what clock.

/// A planned look, or none. The caller learns only of a look that comes sooner than the planned one.
///
/// ```
/// use rtbroadcaster_core::room::alarm::Alarm;
///
/// let mut alarm = Alarm::default();
/// assert_eq!(alarm.sooner(5), Some(5));
/// assert_eq!(alarm.sooner(7), None, "the look at 5 comes before, and can plan the next one");
/// assert_eq!(alarm.sooner(3), Some(3));
/// alarm.rang();
/// assert_eq!(alarm.sooner(9), Some(9));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Alarm<T>(Option<T>);

impl<T> Default for Alarm<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Ord + Copy> Alarm<T> {
    /// Plans a look for `at`. Returns the moment, unless a look is planned that comes no later.
    pub fn sooner(&mut self, at: T) -> Option<T> {
        if self.rings_by(at) {
            return None;
        }
        self.0 = Some(at);
        self.0
    }

    /// Returns whether a look is planned that comes no later than `at`.
    pub fn rings_by(&self, at: T) -> bool {
        self.0.is_some_and(|planned| planned <= at)
    }

    /// Notes that the planned look happens: none is planned any more.
    pub fn rang(&mut self) {
        self.0 = None;
    }
}
