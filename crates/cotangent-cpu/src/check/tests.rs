//! What is refused, and with what words.
