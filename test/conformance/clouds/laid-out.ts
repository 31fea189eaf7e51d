// What is laid out alike at doubles and at servers in the place of a cloud, as facts.
export const secretText = '{"password":"of-the-newest","user":"app"}';
/** Not text, so that nothing can take it for some. */
export const secretBytes = Buffer.from([0xff, 0x00, 0xfe, 0x80, 0x0a]);
export const objectFacts = { secretText, field: 'password', fieldText: 'of-the-newest' };

export const awsRegion = 'us-west-2';
/** Of AWS, but for who asks and whom roles trust. */
export const awsPlaces = {
  ...objectFacts,
  region: awsRegion,
  otherRegion: 'eu-central-1',
  secret: 'db',
  previousText: 'of-before',
  bytesSecret: 'bytes',
  bytesBase64: secretBytes.toString('base64'),
  hiddenSecret: 'hidden',
  parameter: '/shop/db',
  parameterText: 'of-the-parameter',
  listParameter: '/shop/list',
  listText: 'a,b,c',
  sealedParameter: '/shop/sealed',
  sealedText: 'of-the-sealed',
  hiddenParameter: '/shop/hidden',
};
