//! A real containerd with runc, followed from outside.

#[cfg(test)]
#[path = "it/life.rs"]
mod life;
#[cfg(test)]
#[path = "it/rig.rs"]
mod rig;
