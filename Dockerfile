# syntax=docker/dockerfile:1

# the toolchain that rust-toolchain.toml names; tests/house.rs keeps the two together
FROM rust:1.95.0-slim-bookworm AS builder
# jemalloc is built with make
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends make && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY market market
COPY journal journal
COPY networks networks
COPY rules rules
COPY regions regions
COPY training training
COPY src src
# named in the manifest, so they have to be there; none of them is built
COPY benches benches
COPY tests tests
# what the program carries with it
COPY config config
COPY data data
COPY models models
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked -p janus --bin janus \
    && install -D target/release/janus /out/janus

# with a shell: a notify command that hangs is killed by it with all that it started
FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="janus" \
      org.opencontainers.image.description="A neuromorphic trading daemon: a brain of regions, each decision provable afterwards" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
COPY --from=builder /out/janus /usr/local/bin/janus
COPY LICENSE-APACHE LICENSE-MIT data/lob-bitstamp-btcusd-2026-05-02/SOURCE.md /usr/share/doc/janus/
RUN install -d -o 10001 -g 10001 -m 0700 /var/lib/janus
USER 10001:10001
# the journal is all that is written; the root file system may be read-only
ENV JANUS_JOURNAL=/var/lib/janus/journal
WORKDIR /var/lib/janus
VOLUME /var/lib/janus
# drains, closes the tape and ends; give it a --stop-timeout of 60
STOPSIGNAL SIGTERM
# a check may end with 0 or 1, and janus has more codes than these
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["/bin/sh", "-c", "janus status >/dev/null || exit 1"]
ENTRYPOINT ["janus"]
# writes nothing and needs nothing; a daemon is `run FEED`, told in docs/deploy.md
CMD ["demo", "--no-journal"]
