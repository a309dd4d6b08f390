"""What arrived: events, who may send them, and what conditions and templates see of them."""
