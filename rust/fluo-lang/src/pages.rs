//! A page of documentation for every code, printed by `fluo explain CODE`.
//!
//! Each page says what is wrong, shows it, and shows what to write instead; the tests load both.

macro_rules! pages {
    ($($code:literal)*) => {
        const PAGES: &[(&str, &str)] = &[$(($code, include_str!(concat!("pages/", $code, ".md")))),*];
    };
}

pages! {
    "F0001" "F0002" "F0003" "F0004" "F0005" "F0006" "F0007" "F0008" "F0009" "F0010" "F0011" "F0012"
}

/// The page for a code, as Markdown.
#[must_use]
pub fn page(code: &str) -> Option<&'static str> {
    PAGES.iter().find(|(known, _)| *known == code).map(|(_, page)| *page)
}
