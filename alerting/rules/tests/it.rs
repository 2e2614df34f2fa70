//! Tests of rules through their public face.

mod it {
    mod alerts;
    mod faults;
    mod groups;
    mod hostile;
    mod lab;
    mod laws;
    mod promtool;
    mod promtool_cases;
    mod restoring;
    mod templates;
}
