//! The end of a login that no refresh puts off.

use std::time::Duration;

use super::record::Record;

/// How long before its end a login is told of, in seconds.
const NOTICE: i64 = 86_400;

/// Lifetimes are whole seconds, and a request takes some time: two of them say nothing about each
/// other if they were requested within less than this, in milliseconds.
const SHORTEST_INTERVAL: i64 = 10_000;

/// When the refresh token of a login ends, as the server has said with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshTokenEnd {
    grant_id: String,
    /// When it was requested, in milliseconds since 1970.
    sent_at: i64,
    /// In seconds since 1970.
    ends_at: i64,
}

impl RefreshTokenEnd {
    /// `None` if the server has not said it, or the login is not active.
    pub fn of(record: &Record) -> Option<Self> {
        let ends_at = record.tokens.as_ref().filter(|_| record.is_active())?.refresh_expires_at()?;
        Some(Self { grant_id: record.grant_id.clone(), sent_at: record.sent_at, ends_at })
    }

    /// Names the login.
    pub fn grant_id(&self) -> &str {
        &self.grant_id
    }

    /// How long the login still lasts, if that is less than a day, and the refresh since `before`
    /// has not put its end off. `now` is in seconds since 1970.
    pub fn remaining(&self, before: &Self, now: i64) -> Option<Duration> {
        let interval = self.sent_at.saturating_sub(before.sent_at);
        if self.grant_id != before.grant_id || interval < SHORTEST_INTERVAL {
            return None;
        }
        // If each refresh token lives as long as the one before it, the end moves as time does.
        let put_off = self.ends_at.saturating_sub(before.ends_at).saturating_mul(1000);
        let left = self.ends_at.saturating_sub(now);
        let is_near = put_off < interval / 2 && left < NOTICE;
        is_near.then(|| Duration::from_secs(u64::try_from(left).unwrap_or(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The end of a refresh token that was requested at this second, and lives so long.
    fn end(sent_at: i64, lifetime: i64) -> RefreshTokenEnd {
        RefreshTokenEnd { grant_id: "g".to_owned(), sent_at: sent_at * 1000, ends_at: sent_at + lifetime }
    }

    fn remaining(before: &RefreshTokenEnd, after: &RefreshTokenEnd) -> Option<u64> {
        after.remaining(before, after.sent_at / 1000).map(|left| left.as_secs())
    }

    #[test]
    fn a_login_whose_end_is_fixed_is_told_of_within_its_last_day() {
        assert_eq!(remaining(&end(0, 86_700), &end(300, 86_400)), None);
        assert_eq!(remaining(&end(0, 86_700), &end(301, 86_399)), Some(86_399));
        assert_eq!(remaining(&end(0, 400), &end(300, 100)), Some(100));
        assert_eq!(end(300, 100).remaining(&end(0, 400), 500), Some(Duration::ZERO));
    }

    #[test]
    fn the_second_in_which_a_lifetime_is_rounded_does_not_count() {
        for lifetime in [3289, 3290, 3291, 3292] {
            assert_eq!(remaining(&end(0, 3300), &end(10, lifetime)), Some(lifetime.unsigned_abs()));
        }
    }

    #[test]
    fn a_login_that_each_refresh_extends_has_no_known_end() {
        for interval in [10, 60, 1500] {
            assert_eq!(remaining(&end(0, 1800), &end(interval, 1800)), None);
            assert_eq!(remaining(&end(0, 1800), &end(interval, 1799)), None);
        }
    }

    #[test]
    fn two_lifetimes_of_one_moment_or_of_two_logins_say_nothing() {
        assert_eq!(remaining(&end(0, 1800), &end(9, 1791)), None);
        assert_eq!(remaining(&end(100, 1800), &end(0, 1800)), None);
        assert_eq!(remaining(&RefreshTokenEnd { grant_id: "other".to_owned(), ..end(0, 1800) }, &end(60, 1740)), None);
    }
}
