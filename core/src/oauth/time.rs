//! Reading points in time as other libraries stored them.

/// Seconds since 1970 from an RFC 3339 text such as `2026-11-24T08:15:22.000Z`, fractions dropped.
pub(crate) fn from_rfc3339(text: &str) -> Option<i64> {
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
}
