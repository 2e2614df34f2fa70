//! Tests of rules through their public face.

mod it {
    mod promtool;
    mod promtool_cases;
}
