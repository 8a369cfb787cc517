//! basal_ganglia
