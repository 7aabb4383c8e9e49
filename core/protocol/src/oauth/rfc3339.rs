//! Reading points in time as other libraries stored them.

/// Seconds since 1970 from an RFC 3339 text such as `2026-11-24T08:15:22.000Z`, fractions dropped.
pub fn from_rfc3339(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    let [year, month, day] = numbers(date, '-')?;
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = rest.split_at(zone_at);
    let [hour, minute, second] = numbers(clock.split('.').next()?, ':')?;
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    valid.then_some(seconds - offset(zone)?)
}

fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, digits) = zone.strip_prefix('+').map(|digits| (1, digits)).or_else(|| zone.strip_prefix('-').map(|digits| (-1, digits)))?;
    let (hours, minutes) = digits.split_once(':')?;
    Some(sign * (number(hours)? * 3_600 + number(minutes)? * 60))
}

fn numbers<const N: usize>(text: &str, separator: char) -> Option<[i64; N]> {
    let parsed: Option<Vec<i64>> = text.split(separator).map(number).collect();
    parsed?.try_into().ok()
}

fn number(text: &str) -> Option<i64> {
    (text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March so that the leap day comes last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_any_zone() {
        assert_eq!(from_rfc3339("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(from_rfc3339("2018-05-02T14:42:21.000Z"), Some(1_525_272_141));
        assert_eq!(from_rfc3339("2018-05-02T16:42:21+02:00"), Some(1_525_272_141));
        assert_eq!(from_rfc3339("2024-02-29T23:59:59Z"), Some(1_709_251_199));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for bad in ["", "now", "2018-05-02", "2018-13-02T00:00:00Z", "2018-05-02T24:00:00Z", "2018-05-02T00:00:00", "é018-05-02T00:00:00Z"]
        {
            assert_eq!(from_rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_month_of_ten_thousand_years_starts_where_counting_the_days_says() {
        // 0000-01-01 is 719,528 days before 1970-01-01.
        let mut days = -719_528;
        for year in 0..10_000 {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            for (month, length) in [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].into_iter().enumerate() {
                let month = month + 1;
                let last = days + length - 1;
                assert_eq!(from_rfc3339(&format!("{year:04}-{month:02}-01T00:00:00Z")), Some(days * 86_400), "{year}-{month}");
                assert_eq!(from_rfc3339(&format!("{year:04}-{month:02}-{length}t00:00:01z")), Some(last * 86_400 + 1), "{year}-{month}");
                days += length;
            }
        }
    }

    #[test]
    fn times_of_day_and_zones_have_their_limits() {
        for (good, seconds) in [
            ("1970-01-01 23:59:59Z", 86_399),
            ("1970-01-01T23:59:60Z", 86_400),
            ("1970-01-01T01:30:00+01:30", 0),
            ("1970-01-01T00:00:00-01:30", 5_400),
            ("1970-01-01T00:00:00.999+00:00", 0),
            ("1970-12-31T00:00:00Z", 364 * 86_400),
        ] {
            assert_eq!(from_rfc3339(good), Some(seconds), "{good}");
        }
        for bad in [
            "1970-00-01T00:00:00Z",
            "1970-01-00T00:00:00Z",
            "1970-01-32T00:00:00Z",
            "1970-01-01T00:60:00Z",
            "1970-01-01T00:00:61Z",
            "1970-01-01T00:00Z",
            "1970-01T00:00:00Z",
            "01970-01-01T00:00:00Z",
            "1970-01-01T00:00:-1Z",
            "1970-01-01T00:00:00+0100",
            "1970-01-01T00:00:00+01:0x",
            "1970-01-01T00:00:00Zone",
        ] {
            assert_eq!(from_rfc3339(bad), None, "{bad}");
        }
    }
}
