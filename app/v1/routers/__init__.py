"""v1 routes: URLs, statuses and forms; the steps are in the services."""
