# Tollgate as a container: docker build -t tollgate . && docker run -p 8080:8080 -v tollgate:/data tollgate
# It runs as the user `bun`, writes nothing but /data (so --read-only is fine), and drains on SIGTERM:
# give it time to, with `docker stop --timeout 130`.

FROM oven/bun:1.4.4-slim AS packages
WORKDIR /app
COPY package.json bun.lock bunfig.toml ./
RUN bun install --production --frozen-lockfile

FROM oven/bun:1.4.4-slim
WORKDIR /app
RUN mkdir --mode=0700 /data && chown bun:bun /data
COPY --from=packages /app/node_modules node_modules
COPY package.json bun.lock bunfig.toml tsconfig.json ./
COPY src src
COPY actors actors
COPY drizzle drizzle
COPY bench bench

# Temporary files of SQLite go to the volume, Bun keeps no cache of its own, and it may hold more
# upstream connections than its default of 256.
ENV NODE_ENV=production \
    TOLLGATE_HOST=0.0.0.0 \
    TOLLGATE_PORT=8080 \
    TOLLGATE_DATA_DIR=/data \
    TMPDIR=/data \
    BUN_CONFIG_MAX_HTTP_REQUESTS=65535 \
    BUN_RUNTIME_TRANSPILER_CACHE_PATH=0

USER bun
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["bun", "-e", "const ready = await fetch(`http://127.0.0.1:${process.env.TOLLGATE_PORT}/readyz`); process.exit(ready.ok ? 0 : 1)"]
CMD ["bun", "src/main.ts"]
