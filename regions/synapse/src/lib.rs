//! synapse
