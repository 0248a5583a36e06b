//! Tables and sealed blobs.
