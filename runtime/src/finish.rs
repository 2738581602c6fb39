//! The Bolt language's word for a scope.

/// Runs `async` blocks as vthreads beside the rest, and ends when all have ended. Its value is the rest's.
///
/// Free variables are borrowed, or moved into blocks that say `async move`. A panic of a block goes on here, after
/// all others have ended. The blocks come first; the rest is whatever follows them.
///
/// ```
/// let (mut a, mut b) = (1, 2);
/// let c = vthread::run(|| {
///     vthread::finish! {
///         async { a += 10 }
///         async { b += 20 }
///         3
///     }
/// });
/// assert_eq!((a, b, c), (11, 22, 3));
/// ```
#[macro_export]
macro_rules! finish {
    ($($all:tt)*) => { $crate::scope(|__scope| { $crate::__finish!(__scope; $($all)*) }) };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __finish {
    ($scope:ident; async move $block:block $($rest:tt)*) => {
        { $scope.spawn(move || $block); $crate::__finish!($scope; $($rest)*) }
    };
    ($scope:ident; async $block:block $($rest:tt)*) => {
        { $scope.spawn(|| $block); $crate::__finish!($scope; $($rest)*) }
    };
    ($scope:ident; $($rest:tt)*) => {
        { let _ = $scope; $($rest)* }
    };
}
