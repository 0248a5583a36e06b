//! Starting the browser with the pipe on descriptors 3 and 4.
