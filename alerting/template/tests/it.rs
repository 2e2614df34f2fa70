//! Tests of the interpreter through its public face.

mod it {
    mod go;
    mod go_cases;
    mod limits;
    mod objects;
    mod places;
}
