"""What operators are given: container, compose, systemd, dashboard, rules, proxies."""
