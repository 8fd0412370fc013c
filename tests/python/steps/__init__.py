"""The steps of the tour, one module per kind of endpoint."""
