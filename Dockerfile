# The bundle on a base without shell or package manager. It is the same on every architecture, so it is built where the
# builder runs and copied into each image.
#   npm run image                        for this machine
#   docker buildx build --platform linux/amd64,linux/arm64 --provenance=true --sbom=true .

FROM --platform=$BUILDPLATFORM node:24-bookworm-slim@sha256:6f7b03f7c2c8e2e784dcf9295400527b9b1270fd37b7e9a7285cf83b6951452d AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json rolldown.config.mjs ./
COPY src src
RUN npm run build

FROM gcr.io/distroless/nodejs24-debian12:nonroot@sha256:14d42e2511532589a7c7e01a753667a74fcc96266e137e8125006b87b0c32d0a
LABEL org.opencontainers.image.title="escapement" \
      org.opencontainers.image.description="Keeps Kubernetes Secrets in step with Infisical and Pulumi ESC" \
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
