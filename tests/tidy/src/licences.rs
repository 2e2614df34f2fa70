//! What the dependencies may be licensed under, and which of them must not be there at all.

use crate::packages::Package;

/// Permissive licences, as SPDX names them.
const ALLOWED: [&str; 13] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// A second TLS stack: one is enough to keep safe, and these bring a C build with them.
const BANNED: [&str; 5] = ["aws-lc-rs", "aws-lc-sys", "native-tls", "openssl", "openssl-sys"];

/// Packages whose licence is not one of the allowed ones.
pub fn not_allowed(packages: &[Package]) -> Vec<String> {
    packages
        .iter()
        .filter_map(|package| match &package.licence {
            None => Some(format!("{}: no licence", package.name)),
            Some(licence) if !is_allowed(licence) => {
                Some(format!("{}: licence {licence} is not allowed", package.name))
            }
            Some(_) => None,
        })
        .collect()
}

/// Whether an SPDX expression can be satisfied. `/` is an older way to write `OR`.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any_of(&mut rest).is_some_and(|allowed| allowed && rest.is_empty())
}

/// `all OR all …`; `None` when it is no expression.
fn any_of(rest: &mut &[&str]) -> Option<bool> {
    let mut allowed = all_of(rest)?;
    while let Some(("OR", after)) = rest.split_first().map(|(first, after)| (*first, after)) {
        *rest = after;
        allowed |= all_of(rest)?;
    }
    Some(allowed)
}

/// `one AND one …`, which binds closer than `OR`.
fn all_of(rest: &mut &[&str]) -> Option<bool> {
    let mut allowed = one(rest)?;
    while let Some(("AND", after)) = rest.split_first().map(|(first, after)| (*first, after)) {
        *rest = after;
        allowed &= one(rest)?;
    }
    Some(allowed)
}

/// A licence, with its exception if there is one, or an expression in parentheses.
fn one(rest: &mut &[&str]) -> Option<bool> {
    match **rest {
        ["(", ref after @ ..] => {
            *rest = after;
            let allowed = any_of(rest)?;
            *rest = rest.strip_prefix([")"].as_slice())?;
            Some(allowed)
        }
        [licence, "WITH", exception, ref after @ ..] => {
            *rest = after;
            Some(ALLOWED.contains(&format!("{licence} WITH {exception}").as_str()))
        }
        [licence, ref after @ ..] => {
            *rest = after;
            Some(ALLOWED.contains(&licence))
        }
        [] => None,
    }
}

/// Packages in the lock file that must not be there.
pub fn banned(lock: &str) -> Result<Vec<String>, String> {
    let lock: toml::Table = lock.parse().map_err(|error| format!("Cargo.lock: {error}"))?;
    let packages = lock.get("package").and_then(toml::Value::as_array).ok_or("no packages")?;
    let names = packages.iter().filter_map(|package| package.get("name")?.as_str());
    Ok(names
        .filter(|name| BANNED.contains(name))
        .map(|name| format!("{name}: must not be in Cargo.lock"))
        .collect())
}

#[cfg(test)]
mod tests;
