//! Tests on ordinary files, which behave like kernel files where it matters.

use std::{path::Path, sync::Arc};

use rustix::io::Errno;

use super::{
    BUFFER_BYTES, DescriptorBudget, FILE_BYTES_MAX, FileError, Kernel, KernelFile, Priority,
};

#[expect(clippy::disallowed_methods, reason = "the test makes the files that are read")]
fn write(path: &Path, text: &[u8]) {
    std::fs::write(path, text).expect("can write to its own directory");
}

fn directory() -> (tempfile::TempDir, Arc<Path>) {
    let directory = tempfile::tempdir().expect("there is room for a directory");
    let path = directory.path().into();
    (directory, path)
}

#[test]
fn a_kept_file_is_read_anew_each_time() {
    let (_guard, directory) = directory();
    write(&directory.join("value"), b"1\n");
    let mut kernel = Kernel::new(DescriptorBudget::new(1));
    let mut file =
        KernelFile::open(&kernel, &directory, "value", Priority::High).expect("is there");
    let length = file.read(&mut kernel).expect("is readable");
    assert_eq!(kernel.text(length), b"1\n");
    write(&directory.join("value"), b"22\n");
    let length = file.read(&mut kernel).expect("is readable");
    assert_eq!(kernel.text(length), b"22\n");
    assert_eq!((kernel.budget().kept(), kernel.budget().reopened()), (1, 0));
}

#[test]
fn what_cannot_be_kept_is_opened_each_time() {
    let (_guard, directory) = directory();
    write(&directory.join("value"), b"1\n");
    let mut kernel = Kernel::new(DescriptorBudget::new(4));
    let open =
        |priority| KernelFile::open(&kernel, &directory, "value", priority).expect("is there");
    let low: Vec<_> = (0..4).map(|_| open(Priority::Low)).collect();
    assert_eq!(kernel.budget().kept(), 3, "a quarter is left for what is read each tick");
    let mut high =
        KernelFile::open(&kernel, &directory, "value", Priority::High).expect("is there");
    let mut more =
        KernelFile::open(&kernel, &directory, "value", Priority::High).expect("is there");
    assert_eq!(kernel.budget().kept(), 4);
    assert_eq!(more.read(&mut kernel), Ok(2));
    assert_eq!(high.read(&mut kernel), Ok(2));
    assert_eq!(kernel.budget().reopened(), 1);
    drop(low);
    assert_eq!(more.read(&mut kernel), Ok(2));
    assert_eq!((kernel.budget().kept(), kernel.budget().reopened()), (2, 1));
}

#[test]
fn large_files_are_read_whole_up_to_a_limit() {
    let (_guard, directory) = directory();
    for (bytes, expect) in [
        (BUFFER_BYTES - 1, BUFFER_BYTES - 1),
        (BUFFER_BYTES, BUFFER_BYTES),
        (BUFFER_BYTES * 5 + 3, BUFFER_BYTES * 5 + 3),
        (FILE_BYTES_MAX + 1, FILE_BYTES_MAX),
    ] {
        write(&directory.join("large"), &vec![b'x'; bytes]);
        let mut kernel = Kernel::new(DescriptorBudget::new(1));
        let mut file =
            KernelFile::open(&kernel, &directory, "large", Priority::High).expect("is there");
        assert_eq!(file.read(&mut kernel), Ok(expect));
        assert_eq!(file.read_list(&mut kernel), Ok(expect));
        let mut kernel = Kernel::new(DescriptorBudget::new(1));
        assert_eq!(file.read_list(&mut kernel), Ok(expect), "with a small buffer");
        assert_eq!(kernel.read_path(&directory.join("large")).map(<[u8]>::len), Ok(expect));
    }
}

#[test]
fn errors_say_what_to_do() {
    for (errno, expect) in [
        (Errno::NOENT, FileError::Missing),
        (Errno::NODEV, FileError::Missing),
        (Errno::SRCH, FileError::Missing),
        (Errno::ACCESS, FileError::Denied),
        (Errno::PERM, FileError::Denied),
        (Errno::OPNOTSUPP, FileError::Unsupported),
        (Errno::MFILE, FileError::Io(Errno::MFILE)),
    ] {
        assert_eq!(FileError::from(errno), expect);
    }
    let (_guard, directory) = directory();
    let kernel = Kernel::new(DescriptorBudget::new(1));
    let missing = KernelFile::open(&kernel, &directory, "none", Priority::High).map(|_| ());
    assert_eq!(missing, Err(FileError::Missing));
    assert_eq!(kernel.budget().kept(), 0);
}

#[test]
fn the_limit_of_the_process_leaves_room() {
    let limit = super::raise_descriptor_limit().expect("the hard limit is allowed");
    let budget = DescriptorBudget::from_process_limit();
    assert!(u64::try_from(budget.limit()).expect("is small") < limit);
}
