//! Links between documents.

/// Where a document links to, as paths relative to the root: links with a scheme and links within
/// the document are left out, and so is everything in code.
pub fn targets(path: &str, content: &str) -> Vec<String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let prose = without_code(content);
    let inline = prose.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let references = prose.lines().filter_map(|line| {
        let (label, target) = line.trim_start().strip_prefix('[')?.split_once("]:")?;
        (!label.contains(']')).then(|| target.trim())
    });
    inline
        .chain(references)
        .filter_map(|link| link.split_whitespace().next())
        .map(|link| link.trim_matches(['<', '>']))
        .filter(|link| {
            !link.starts_with('#') && !link.contains("://") && !link.starts_with("mailto:")
        })
        .filter_map(|link| link.split('#').next())
        .map(|link| resolve(folder, link))
        .collect()
}

/// Links of one document that point nowhere.
pub fn broken(path: &str, content: &str, exists: impl Fn(&str) -> bool) -> Vec<String> {
    targets(path, content)
        .into_iter()
        .filter(|target| !exists(target))
        .map(|target| format!("{path}: links to {target}, which does not exist"))
        .collect()
}

/// A document without fenced blocks and without text in backticks.
fn without_code(content: &str) -> String {
    let mut prose = String::with_capacity(content.len());
    let mut fenced = false;
    for line in content.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let outside = line.split('`').step_by(2);
            outside.for_each(|part| prose.push_str(part));
            prose.push('\n');
        }
    }
    prose
}

/// A link followed from a folder. One that leaves the tree keeps its `..`.
fn resolve(folder: &str, link: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    let from_root = link.starts_with('/');
    let start = if from_root { "" } else { folder };
    for part in start.split('/').chain(link.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests;
