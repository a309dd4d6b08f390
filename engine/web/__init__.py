"""HTTP in: the receiver, and what tells a load balancer how the engine is."""
