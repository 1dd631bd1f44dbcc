//! One function compiled for several widths of vector instructions, the widest of this processor's taken.
//!
//! The bodies are ordinary code over lanes whose sums run in an order that is written down, and a fused product is
//! rounded once wherever it is made: the bits are the same from each. (Processors without fused products make those
//! that are asked for by a function: right, and slow.)

/// The vector instructions that a function runs with: only such as this processor has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instructions(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    has_avx2()
        && std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512dq")
}

impl Instructions {
    /// The instructions that every processor has.
    pub const PORTABLE: Instructions = Instructions(Kind::Portable);

    /// All that this processor has, the widest last.
    pub fn available() -> Vec<Instructions> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "nothing is added"))]
        let mut all = vec![Instructions::PORTABLE];
        #[cfg(target_arch = "x86_64")]
        {
            if has_avx2() {
                all.push(Instructions(Kind::Avx2));
            }
            if has_avx512() {
                all.push(Instructions(Kind::Avx512));
            }
        }
        all
    }

    /// The widest instructions that this processor has.
    #[inline]
    pub fn best() -> Instructions {
        #[cfg(target_arch = "x86_64")]
        {
            if has_avx512() {
                return Instructions(Kind::Avx512);
            }
            if has_avx2() {
                return Instructions(Kind::Avx2);
            }
        }
        Instructions::PORTABLE
    }

    pub(crate) fn kind(self) -> Kind {
        self.0
    }
}

/// `fn name(…) -> R = body;` makes a function that takes [`Instructions`] first and runs `body`, an `#[inline(always)]`
/// function, compiled for them.
macro_rules! compiled_for_each {
    ($(
        $(#[$doc:meta])*
        $visibility:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) -> $result:ty = $body:path;
    )*) => { $(
        $(#[$doc])*
        #[allow(unsafe_code, reason = "vector instructions that the processor was asked for")]
        $visibility fn $name(with: $crate::numeric::Instructions, $($argument: $type),*) -> $result {
            use $crate::numeric::InstructionKind as Kind;

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            fn avx2($($argument: $type),*) -> $result {
                $body($($argument),*)
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512dq,fma")]
            fn avx512($($argument: $type),*) -> $result {
                $body($($argument),*)
            }

            match with.kind() {
                Kind::Portable => $body($($argument),*),
                // SAFETY: `Instructions` beyond the portable ones exist only where the processor was asked for them.
                #[cfg(target_arch = "x86_64")]
                Kind::Avx2 => unsafe { avx2($($argument),*) },
                // SAFETY: as above.
                #[cfg(target_arch = "x86_64")]
                Kind::Avx512 => unsafe { avx512($($argument),*) },
            }
        }
    )* };
}
pub(crate) use compiled_for_each;
