//! What stores on database servers have in common.
