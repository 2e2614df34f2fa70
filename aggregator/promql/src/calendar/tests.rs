//! Dates that are known, and dates against counting days one by one.

use proptest::prelude::*;

use super::{SECONDS_PER_DAY, date_and_second, days_in_month};

#[test]
fn known_dates() {
    // Unix time, year, month, day, weekday, day of year, days in month, second of day.
    let cases: [(i64, [i64; 7]); 9] = [
        (0, [1970, 1, 1, 4, 1, 31, 0]),
        (-1, [1969, 12, 31, 3, 365, 31, 86_399]),
        (951_782_400, [2000, 2, 29, 2, 60, 29, 0]),
        (1_136_239_445, [2006, 1, 2, 1, 2, 31, 79_445]),
        (1_709_210_096, [2024, 2, 29, 4, 60, 29, 45_296]),
        (1_735_603_200, [2024, 12, 31, 2, 366, 31, 0]),
        (4_107_542_400, [2100, 3, 1, 1, 60, 31, 0]),
        (-2_203_891_200, [1900, 3, 1, 4, 60, 31, 0]),
        (-62_135_596_800, [1, 1, 1, 1, 1, 31, 0]),
    ];
    for (unix, expected) in cases {
        let (date, second) = date_and_second(unix);
        let parts = [date.month, date.day, date.weekday, date.yearday, days_in_month(date), second];
        let mut found = vec![date.year];
        found.extend(parts.map(i64::from));
        assert_eq!(found, expected, "{unix}");
    }
}

#[test]
fn the_ends_of_time_are_dates_too() {
    assert_eq!(date_and_second(i64::MAX).0.year, 292_277_026_596);
    assert_eq!(date_and_second(i64::MIN).0.year, -292_277_022_657);
}

proptest! {
    #[test]
    fn the_next_day_follows(day in -400_000i64..400_000) {
        let (today, second) = date_and_second(day * SECONDS_PER_DAY);
        let (tomorrow, _) = date_and_second((day + 1) * SECONDS_PER_DAY);
        prop_assert_eq!(second, 0);
        prop_assert_eq!(tomorrow.weekday, (today.weekday + 1) % 7);
        if today.day < days_in_month(today) {
            prop_assert_eq!((tomorrow.month, tomorrow.day), (today.month, today.day + 1));
            prop_assert_eq!(tomorrow.yearday, today.yearday + 1);
        } else {
            prop_assert_eq!(tomorrow.day, 1);
            let (year, month) =
                if today.month == 12 { (today.year + 1, 1) } else { (today.year, today.month + 1) };
            prop_assert_eq!((tomorrow.year, tomorrow.month), (year, month));
        }
    }
}
