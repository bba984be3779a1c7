//! Large memories in large pages, as kpack has them.
#![allow(
    unsafe_code,
    reason = "advice to the system about memory is given by address"
)]

/// What the system hands out at once where it can.
pub(super) const HUGE_PAGE: usize = 2 << 20;

/// Asks the system to back a memory by huge pages, as kpack does for a kernel's.
///
/// Without effect on what the memory holds, and where the system does not take such advice.
///
/// # Panics
///
/// If the memory does not consist of whole huge pages.
pub(super) fn advise(memory: &mut [f32]) {
    let (start, length) = (memory.as_mut_ptr(), size_of_val(memory));
    assert!(
        start.addr().is_multiple_of(HUGE_PAGE) && length.is_multiple_of(HUGE_PAGE),
        "the memory begins and ends at a huge page"
    );
    #[cfg(target_os = "linux")]
    {
        let advice = rustix::mm::Advice::LinuxHugepage;
        // SAFETY: the slice is mapped memory that this borrow alone may use, and whole pages of it, as it
        // begins and ends at a huge page; and this advice changes none of its bytes.
        let advised = unsafe { rustix::mm::madvise(start.cast(), length, advice) };
        // A system without such pages is measured without them.
        advised.ok();
    }
}
