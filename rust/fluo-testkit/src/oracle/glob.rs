//! Globs: `*` is any run of characters, everything else itself.

/// Whether the whole text fits, by trying every length for each star.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    // `reach[i]`: the pattern so far fits the first `i` characters.
    let mut reach: Vec<bool> = (0..=text.len()).map(|i| i == 0).collect();
    for p in pattern {
        let mut next = vec![false; text.len() + 1];
        for (i, slot) in next.iter_mut().enumerate() {
            *slot = if p == '*' {
                reach.iter().take(i + 1).any(|r| *r)
            } else {
                i.checked_sub(1).is_some_and(|before| reach.get(before) == Some(&true) && text.get(before) == Some(&p))
            };
        }
        reach = next;
    }
    reach.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn stars_match_runs() {
        for (pattern, text, expected) in
            [("a*b*c", "a-b-b-c", true), ("a*", "a", true), ("a*a", "a", false), ("*", "", true), ("a.c", "abc", false), ("é*", "éa", true)]
        {
            assert_eq!(fits(pattern, text), expected, "{pattern} on {text}");
        }
    }
}
