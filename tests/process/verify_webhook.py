"""An independent verifier of our callbacks' signature: standardwebhooks.

Standard input: {"secret", "headers", "body"}. Prints {"verified", "tampered", "other_key"}: true, false, false is what must come out.
"""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def holds(secret, body, headers):
    try:
        Webhook(secret).verify(body, headers)
        return True
    except WebhookVerificationError:
        return False


given = json.load(sys.stdin)
body, headers = given["body"], given["headers"]
print(json.dumps({
    "verified": holds(given["secret"], body, headers),
    "tampered": holds(given["secret"], body.replace("2", "3", 1), headers),
    "other_key": holds("whsec_bW90LWtob2Eta2hhYy1kZS10aHUtbmdoaWVtLTMy", body, headers),
}))
