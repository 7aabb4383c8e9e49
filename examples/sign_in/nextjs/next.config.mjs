export default { serverExternalPackages: ['sipgate-oauth2'] }
