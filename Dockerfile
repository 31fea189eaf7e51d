# syntax=docker/dockerfile:1
# The bundle on a base without shell or package manager. It is the same on every architecture, so it is built where the
# builder runs and copied into each image.
#   npm run image                        for this machine
#   docker buildx build --platform linux/amd64,linux/arm64 --provenance=true --sbom=true .

FROM --platform=$BUILDPLATFORM node:24-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json rolldown.config.mjs ./
COPY src src
RUN npm run build

FROM gcr.io/distroless/nodejs24-debian12:nonroot
LABEL org.opencontainers.image.title="escapement" \
      org.opencontainers.image.description="Keeps Kubernetes Secrets in step with Infisical" \
      org.opencontainers.image.licenses="Apache-2.0"
# The entry, and beside it in /escapement the parts that it loads.
COPY --from=build /src/dist/ /
# A heap that fits the chart's memory limit, and a read-only root: nothing is written.
ENV NODE_OPTIONS="--max-old-space-size=192" NODE_ENV=production
USER 65532:65532
EXPOSE 8080 8082
# The base's entrypoint is node. No signal opens the debugger, not even before the first line runs.
ENTRYPOINT ["/nodejs/bin/node", "--disable-sigusr1", "/escapement.mjs"]
CMD ["run"]
