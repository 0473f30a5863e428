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
    "F0013"
    "F0101" "F0102" "F0103" "F0104" "F0105" "F0106" "F0107" "F0108" "F0109" "F0110" "F0111" "F0112"
    "F0201" "F0202" "F0203" "F0204" "F0205" "F0206" "F0207" "F0208" "F0209"
    "F0301" "F0302" "F0303" "F0304" "F0305" "F0306" "F0307" "F0308" "F0309" "F0310" "F0311" "F0312" "F0313" "F0314"
    "F0315" "F0316"
    "F0401" "F0402" "F0403" "F0404" "F0405" "F0406" "F0407" "F0408" "F0409" "F0410" "F0411" "F0412" "F0413" "F0414"
    "F0415" "F0416"
    "F0501" "F0502" "F0503" "F0504" "F0505" "F0506" "F0507" "F0508"
    "F0601" "F0602" "F0603" "F0604" "F0605" "F0606" "F0607" "F0608"
    "F0701" "F0702" "F0703" "F0704" "F0705" "F0706" "F0707" "F0708" "F0709" "F0710" "F0711" "F0712" "F0713" "F0714"
    "F0715" "F0716" "F0717"
    "F0901" "F0902"
}

/// The page for a code, as Markdown.
#[must_use]
pub fn page(code: &str) -> Option<&'static str> {
    PAGES.iter().find(|(known, _)| *known == code).map(|(_, page)| *page)
}
