# Differences from Docker 20.10's BuildKit that are meant. Each rule says why.
