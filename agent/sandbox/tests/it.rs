//! What real sandboxes have written and said, and what hostile ones might.

#[path = "it/fake.rs"]
mod fake;
#[path = "it/golden.rs"]
mod golden;
#[path = "it/hostile.rs"]
mod hostile;
#[path = "it/links.rs"]
mod links;
